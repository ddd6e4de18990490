"""The web page of ``lcoins demo``: a photo, a sentence, and the picture in color, on this machine."""
