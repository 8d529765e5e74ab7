"""What a run needs before it starts: memory, batch split, hours. Standard library only; nothing here touches a GPU."""

from vincicoder.planning.models import MODELS, Shape, read_shape, shape_of
from vincicoder.planning.plan import Plan, make_plan, nearest
from vincicoder.planning.settings import Rates, Run

__all__ = ["MODELS", "Plan", "Rates", "Run", "Shape", "make_plan", "nearest", "read_shape", "shape_of"]
