def name_regions(regions, name, path): return [f"~{name}{id(r)}" for r in regions]
