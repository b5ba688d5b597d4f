"""Annotation files of own videos, in the forms that people have.

- `rows`: rows of text, split and checked
- `positions`: one written position, a frame number or a time
- `records`: what a file says of one video, as written
- `official`: rows of UCF-Crime and XD-Violence
- `texts`: lines of text
- `tables`: tables with a header
- `jsons`: HIVAU-70k, VERA, ActivityNet, S3R, VIA, Label Studio
- `xmls`: CVAT, ELAN
- `masks`: folders of frame masks and of mask images
- `forms`: which of these a path is
"""
