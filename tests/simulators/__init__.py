"""Stand-ins for vendors' servers: strict, observable, and as faulty as asked."""
