WHERE = "sqlite:///./x.db"
WHERE = = 2
