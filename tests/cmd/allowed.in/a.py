password = "Tr4vel-Lantern-91"  # keysieve:allow generic-password — a made-up one
other = 1
password = "Tr4vel-Lantern-92"  # gitleaks:allow
# keysieve:allow jwt — another rule
password = "Tr4vel-Lantern-93"
