"""The rules: one class per noun, one method per use case. No request is needed to call them."""
