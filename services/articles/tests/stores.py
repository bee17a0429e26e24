"""What the service is tested on; see conftest.py."""
STORES = [
    ("sqlite", {"CACHE": "memory"}),
    ("sqlite", {"CACHE": "off"}),
    ("mariadb", {"CACHE": "off"}),
    ("mariadb", {"CACHE": "memory"}),
    ("mariadb", {"CACHE": "{redis}"}),
]
