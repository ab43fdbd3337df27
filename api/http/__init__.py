"""The HTTP face: ``create_app(service)`` gives the application; each module is one noun of its addresses."""
