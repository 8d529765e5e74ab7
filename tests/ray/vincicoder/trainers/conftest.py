"""The target that all tests of reward files share."""

from reward_targets import base64_png, directory, png, target_image  # noqa: F401
