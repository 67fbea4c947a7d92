# Zürich
password = "Tr4vel-Lantern-91"
