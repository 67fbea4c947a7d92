a = "acme_dep_4f7k2m9q1x8z"
b = lock_9a8b7c6d
