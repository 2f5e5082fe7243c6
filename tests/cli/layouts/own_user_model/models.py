class Member:
    pass
