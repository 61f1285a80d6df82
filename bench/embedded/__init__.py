"""Makes, trains and measures the small text-to-JSON model that the package carries (`_package/embedded`)."""
