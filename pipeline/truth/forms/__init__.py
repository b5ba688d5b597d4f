"""Readers for annotation formats.

- `any_form`: detects the format of a file or folder
- `rows`: rows of text, split and validated
- `positions`: one position in a video, a frame number or a time
- `records`: annotations as written, before conversion to frames
- `official`: official rows of UCF-Crime and XD-Violence
- `texts`: lines of text
- `tables`: tables with a header
- `jsons`: HIVAU-70k, VERA, ActivityNet, S3R, VIA, Label Studio
- `xmls`: CVAT, ELAN
- `masks`: folders of frame masks or mask images
"""
