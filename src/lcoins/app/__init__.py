"""The web page of ``lcoins demo``: colors a photo by a sentence, on this machine."""
