DEBUG = False
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": "db.internal.acme.io",
        "USER": "billing",
        "PASSWORD": "Tr4vel-Lantern-91",
    }
}
BROKER_URL = "amqp://worker:m8Kq2vZt@mq.internal.acme.io:5672/jobs"
EMAIL_PASSWORD = os.environ["EMAIL_PASSWORD"]
