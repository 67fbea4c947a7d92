session_secret = "q7Rk2Zp0Xv9Lw4Nt8Bs1Yd6F"
KEY = "acme_0z9y8x7w6v5u4t3s2r1q"
