def group_by_names(main): pass
