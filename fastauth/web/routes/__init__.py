"""The routes, one module per noun; each handler calls one service method."""
