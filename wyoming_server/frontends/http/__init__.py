"""The HTTP front end: `server` listens, `connection` sets deadlines, `guards` lets in, `routes` lists what there is."""
