"""The target that all tests of reward files share."""

from reward_targets import base64_png, folder, picture, png  # noqa: F401
