"""What a plan is compared with: the account before and after it, read without any of our modules."""
