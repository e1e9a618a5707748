"""Everything that `generate.py` draws and photographs with."""
