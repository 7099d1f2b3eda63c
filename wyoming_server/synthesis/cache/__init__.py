"""Finished replies, kept on disk, and heard again where the same is asked for: an engine that was paid once is not asked twice.

`replies` is the way in: it stands before what makes a reply, and knows no disk. `whole` says whether all of a text is there,
`key` what must be the same. `entry` is a reply as bytes, `index` the list of them (SQLite), `disk` both together, which block;
`memory` has copies of what was heard of late, `store` does all that in threads, says what is amiss in words, and mends it.
"""
