"""Models in the files of other programs, as modules that the importer follows."""
