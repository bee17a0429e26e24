"""What the service is tested on; see conftest.py."""
STORES = ["sqlite", "json", "mariadb"]
