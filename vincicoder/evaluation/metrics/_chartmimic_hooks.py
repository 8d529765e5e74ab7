# What runs before a chart's own code and logs what it does: text, layout, calls of plotting functions, and colours.
# The functions that are watched, and what is read of each, are those of ChartMimic's evaluation. It is read as text
# and put before the code, in the same module, so its names begin with _vc; it needs matplotlib and nothing of ours.
import inspect as _vc_inspect
import io as _vc_io
import os as _vc_os
import warnings as _vc_warnings

import matplotlib as _vc_matplotlib
import matplotlib.image
import matplotlib.patches
import matplotlib.pyplot as _vc_pyplot
import mpl_toolkits.mplot3d
from matplotlib.backends.backend_pdf import RendererPdf as _vc_Pdf
from matplotlib.projections.polar import PolarAxes as _vc_Polar

_vc_warnings.filterwarnings("ignore", category=UserWarning)
_vc_warnings.filterwarnings("ignore", category=DeprecationWarning)
_vc_warnings.filterwarnings("ignore", category=FutureWarning)
_vc_Axes = _vc_matplotlib.axes.Axes
_vc_Axes3D = mpl_toolkits.mplot3d.Axes3D
_vc_texts, _vc_types, _vc_objects = [], {}, {}
_vc_state = {"type": False, "colour": False, "fault": ""}


class _vc_Failed(Exception):
    """The official logging would have ended the run here."""


def _vc_hex(colour):
    import numpy

    if isinstance(colour, str):
        if colour.startswith("#") and len(colour) in (7, 9):
            return colour.upper()
    elif not isinstance(colour, (list, tuple, numpy.ndarray)) or len(colour) not in (3, 4):
        raise _vc_Failed("a colour of a form that is not read")
    return _vc_matplotlib.colors.to_hex(colour).upper()


def _vc_map(options, mappable=None):
    colours = options.get("cmap") if mappable is None else mappable.get_cmap()
    return colours if isinstance(colours, str) else colours.name


def _vc_last(colours):
    if not colours:
        raise _vc_Failed("an empty list of colours")
    return _vc_hex(colours[-1])


# What the object of a watched call says of its colours, at the end of the run. By the function's name.
def _vc_all_faces(thing):
    return [_vc_hex(each) for each in thing.get_facecolors().tolist()]


def _vc_all_edges(thing):
    return [_vc_hex(list(each)) for each in thing.get_edgecolors()]


def _vc_face(thing):
    return [_vc_hex(list(thing.get_facecolor()))]


def _vc_first_face(thing):
    return [_vc_hex(list(each)) for each in thing.get_facecolor()[:1]]


def _vc_own(thing):
    return [_vc_hex(thing.get_color())]


def _vc_bar_face(thing):
    return [_vc_hex(list(thing._original_facecolor))]


def _vc_map_name(thing):
    return [thing.get_cmap().name]


def _vc_edges_of_graph(thing):
    if type(thing) is list:
        return [_vc_hex(line.get_facecolor()) for line in thing]
    return [_vc_hex(each) for each in thing.get_edgecolors().tolist()]


def _vc_faces_of_venn(thing):
    return [_vc_hex(patch.get_facecolor()) for patch in thing.patches]


def _vc_each(read):
    """Every item of the result by itself."""
    return lambda owner, result, options: [(read(item)[0], item, read) for item in result]


def _vc_one(read):
    """The result as a whole, under the first of its colours."""
    return lambda owner, result, options: [(read(result)[0], result, read)]


def _vc_whole(read):
    """The result as a whole, under the last of its colours."""

    def entries(owner, result, options):
        colours = read(result)
        if not colours:
            raise _vc_Failed("an empty list of colours")
        return [(colours[-1], result, read)]

    return entries


def _vc_mapped(otherwise):
    """Under the name of the colour map that the call names, or else by its colours."""

    def entries(owner, result, options):
        if options.get("cmap") is None:
            return otherwise(owner, result, options)
        name = _vc_map(options)
        return [(name, result, lambda thing: [name])]

    return entries


def _vc_some_face(owner, result, options):
    return [(each, result, _vc_first_face) for each in _vc_first_face(result)]


def _vc_hist(owner, result, options):
    patches = result[2]
    groups = patches if type(patches) is _vc_matplotlib.cbook.silent_list else [patches]
    return [(_vc_face(item)[0], item, _vc_face) for group in groups for item in group]


def _vc_boxes(owner, result, options):
    boxes = [box for box in result["boxes"] if type(box) is matplotlib.patches.PathPatch]
    return [(_vc_face(box)[0], box, _vc_face) for box in boxes]


def _vc_polar_only(entries):
    return lambda owner, result, options: entries(owner, result, options) if type(owner) is _vc_Polar else []


def _vc_exactly(kind, entries):
    return lambda owner, result, options: entries(owner, owner, options) if type(owner) is kind else []


def _vc_first_of_all(thing):
    return _vc_all_faces(thing)[:1]


def _vc_line(owner, result, options):
    return [(_vc_hex(result[1]["color"]), result[0], _vc_own)]


def _vc_squares(owner, result, options):
    items = [item for container in result.containers for item in container]
    return [(_vc_face(item)[0], item, _vc_face) for item in items]


def _vc_watch_type(function):
    def watched(*args, **options):
        if _vc_state["type"]:
            return function(*args, **options)
        _vc_state["type"] = True
        name = _vc_inspect.getfile(function)
        if args and type(args[0]) is _vc_Polar and function.__name__ == "plot":
            name += "_polar"
        name += "-" + function.__name__
        _vc_types[name] = _vc_types.get(name, 0) + 1
        result = function(*args, **options)
        _vc_state["type"] = False
        return result

    return watched


def _vc_watch_colour(function, entries, called):
    """Log the colours of a function; ``called`` is the function as it is so far."""
    where = _vc_inspect.getfile(function) + "/" + function.__name__

    def watched(*args, **options):
        if _vc_state["colour"]:
            return called(*args, **options)
        _vc_state["colour"] = True
        result = called(*args, **options)
        try:
            owner = args[0] if args else None
            name = where + "_polar" if type(owner) is _vc_Polar and function.__name__ in ("plot", "scatter") else where
            for colour, thing, read in entries(owner, result, options):
                _vc_objects[name, colour] = (thing, read)
        except Exception as error:
            _vc_state["fault"] = _vc_state["fault"] or f"{where}: {error!r}"
        _vc_state["colour"] = False
        return result

    return watched


def _vc_install(owner, name, entries=None, typed=True):
    """Watch a function of a class or module for its calls, for its colours, or for both."""
    function = getattr(owner, name, None)
    if function is None:
        return
    plain = getattr(function, "_vc_plain", function)
    called = _vc_watch_type(plain) if typed else function
    if entries is not None:
        called = _vc_watch_colour(plain, entries, called)
    called.__name__, called.__doc__, called._vc_plain = plain.__name__, plain.__doc__, plain
    called.__wrapped__ = plain  # libraries look at the arguments
    setattr(owner, name, called)


def _vc_install_all():
    axes = {
        "bar": _vc_each(_vc_bar_face),
        "axhline": _vc_one(_vc_own),
        "axvline": _vc_one(_vc_own),
        "axvspan": _vc_one(_vc_face),
        "axhspan": _vc_one(_vc_face),
        "hlines": _vc_whole(_vc_all_edges),
        "vlines": _vc_whole(_vc_all_edges),
        "boxplot": _vc_boxes,
        "violinplot": lambda owner, result, options: _vc_each(_vc_first_face)(owner, result["bodies"], options),
        "hist": _vc_hist,
        "scatter": _vc_mapped(_vc_some_face),
        "quiver": _vc_whole(_vc_all_faces),
        "pie": lambda owner, result, options: _vc_each(_vc_face)(owner, result[0], options),
        "fill": _vc_each(_vc_face),
        "broken_barh": _vc_whole(_vc_all_faces),
    } | dict.fromkeys(("imshow", "pcolor", "contour", "contourf", "tripcolor"), _vc_one(_vc_map_name))
    for name, entries in axes.items():
        _vc_install(_vc_Axes, name, entries)
    _vc_install(_vc_Polar, "plot", _vc_polar_only(_vc_each(_vc_own)))
    for name in ("barh", "plot", "errorbar", "violin", "fill_between", "fill_betweenx"):
        _vc_install(_vc_Axes, name)
    _vc_install(_vc_Axes, "_fill_between_x_or_y", _vc_one(_vc_first_of_all), typed=False)
    for name in ("_makeline", "_make_line"):  # before and since matplotlib 3.9
        _vc_install(_vc_matplotlib.axes._base._process_plot_var_args, name, _vc_line, typed=False)
    _vc_install(_vc_Axes3D, "scatter", _vc_mapped(_vc_whole(_vc_all_faces)))
    _vc_install(_vc_Axes3D, "plot", _vc_each(_vc_own))
    _vc_install(_vc_Axes3D, "plot_surface", _vc_mapped(_vc_one(_vc_first_of_all)))
    _vc_install(_vc_Axes3D, "bar3d", _vc_one(_vc_first_of_all))
    _vc_install(_vc_Axes3D, "bar", _vc_each(_vc_face))
    _vc_install(_vc_Axes3D, "add_collection3d", _vc_whole(_vc_all_faces))
    for kind in (matplotlib.patches.Ellipse, matplotlib.patches.Circle):
        _vc_install(kind, "__init__", _vc_exactly(kind, _vc_one(_vc_face)))
    image = matplotlib.image.NonUniformImage
    _vc_install(image, "__init__", _vc_exactly(image, _vc_one(_vc_map_name)))
    _vc_install_others()


def _vc_install_others():
    """Watch the libraries that are there."""
    try:
        import networkx
        from networkx.drawing import nx_pylab
    except ImportError:
        pass
    else:
        labels = lambda owner, result, options: _vc_each(_vc_own)(owner, result.values(), options)  # noqa: E731
        for module in (nx_pylab, networkx):
            _vc_install(module, "draw_networkx_nodes", _vc_whole(_vc_all_faces))
            _vc_install(module, "draw_networkx_edges", _vc_whole(_vc_edges_of_graph))
            _vc_install(module, "draw_networkx_labels", labels)
    try:
        import squarify
    except ImportError:
        pass
    else:
        _vc_install(squarify, "plot", _vc_squares)
    try:
        from matplotlib_venn._common import VennDiagram
    except ImportError:
        pass
    else:
        _vc_install(VennDiagram, "__init__", _vc_exactly(VennDiagram, _vc_whole(_vc_faces_of_venn)))


def _vc_watch_text(draw_text):
    def watched(*args, **options):
        renderer, x, y, text = args[0], args[2], args[3], args[4]
        try:
            width, height, _ = renderer.get_text_width_height_descent(
                text, args[5], args[7] if len(args) > 7 else False
            )
        except Exception:
            width = height = 0
        page = renderer.width * 72, renderer.height * 72
        turned = abs(float(args[6]) % 180 - 90) < 45 if len(args) > 6 else False
        _vc_texts.append([str(text), x / page[0], y / page[1], width / page[0], height / page[1], turned])
        return draw_text(*args, **options)

    return watched


def _vc_savefig(figure, fname=None, **options):
    """Save what is meant to be a PDF, in memory, and nothing else: text is logged while a PDF is written."""
    suffix = "" if hasattr(fname, "write") else _vc_os.fspath(fname).rpartition(".")[2]
    if str(options.get("format") or suffix).lower() == "pdf":
        kept = {name: value for name, value in options.items() if name not in ("format", "transparent", "metadata")}
        figure.canvas.print_figure(_vc_io.BytesIO(), format="pdf", **kept)


def _vc_layout(figure):
    cells = []
    for ax in figure.axes:
        box = ax.get_position()
        place = [box.x0, box.y0, box.x1, box.y1]
        spec = ax.get_subplotspec()
        if spec is not None:
            rows, columns = spec.get_gridspec().get_geometry()
            span = spec.rowspan.start, spec.rowspan.stop - 1, spec.colspan.start, spec.colspan.stop - 1
            cells.append([[rows, columns, *map(int, span)], place])
        else:
            cells.append([None, place])
    return cells


def _vc_colours():
    if _vc_state["fault"]:
        return []
    try:
        return sorted({f"{name}--{each}" for (name, _), (thing, read) in _vc_objects.items() for each in read(thing)})
    except Exception:
        return []


def _vc_report():
    layout = _vc_layout(_vc_pyplot.gcf())
    return {"text": _vc_texts, "layout": layout, "type": _vc_types, "colour": _vc_colours()}


_vc_install_all()
_vc_Pdf.draw_text = _vc_watch_text(_vc_Pdf.draw_text)
_vc_matplotlib.figure.Figure.savefig = _vc_savefig
