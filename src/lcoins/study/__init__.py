"""User studies of colorized pictures: which do people find real, and which matches the words (Table 2 of the paper)."""
