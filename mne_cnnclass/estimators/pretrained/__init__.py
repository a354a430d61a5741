"""Models that were trained on open data, and come with the package; what is known of each is in its file."""

from .models import list_pretrained, load_pretrained, pretrained_file

__all__ = ["list_pretrained", "load_pretrained", "pretrained_file"]
