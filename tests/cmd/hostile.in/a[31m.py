password = "Tr4vel-Lantern-91" # [2J]8;;http://evil.example ::error::x
