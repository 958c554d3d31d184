"""The release engine: puts a Laravel application live on this host, or leaves it as it was."""
