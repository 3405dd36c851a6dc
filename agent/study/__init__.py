"""A study: the search (``search``) proposes trials, which are run and recorded (``trials``)."""
