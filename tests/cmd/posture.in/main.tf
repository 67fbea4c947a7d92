resource "aws_kms_key" "main" {
  description = "secrets"
}

resource "aws_secretsmanager_secret" "db" {
  name = "prod/shop/db"
}

resource "aws_db_instance" "db" {
  password = "Tr4vel-Lantern-91"
}
