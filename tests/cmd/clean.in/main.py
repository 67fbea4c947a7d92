import os
password = os.environ["DB_PASSWORD"]
token = secret["SecretString"]
