"""What scripts/bench does: builds weft and its peers, measures them in turn, reports."""
