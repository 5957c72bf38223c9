// replaced in the next commits
