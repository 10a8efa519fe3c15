"""What readers open: published tables, analyst views, as-of questions, copies, the data dictionary."""
