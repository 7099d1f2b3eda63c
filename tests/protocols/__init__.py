"""Wire formats as transcripts."""
