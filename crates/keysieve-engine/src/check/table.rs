//! The table of checks: a new one is a function in this folder and a row here.
//!
//! `build.rs` reads it too, for the names that rule files may say, and knows nothing of the functions.

/// Calls the macro `$with` with one row for each check:
///
/// - what it proves;
/// - its name in the engine and in rule files;
/// - what else holds of the secrets that it proves ([`Trait`](crate::rules::rule::Trait));
/// - what to call, with the secret, what surrounds it, and where it begins there.
macro_rules! for_each_check {
    ($with:ident) => {
        $with! {
            /// An AWS key id, whose base32 part holds the account id.
            AwsKeyId "aws-key-id" [] => |secret, _, _| aws::key_id(secret);
            /// A secret access key: 40 base64 characters that are not hexadecimal or a path.
            AwsSecretKey "aws-secret-key" [] => |secret, _, _| aws::secret_key(secret);
            /// An SES SMTP password: 33 bytes in base64, the first of them 4.
            AwsSmtpPassword "aws-smtp-password" [] => |secret, _, _| aws::smtp_password(secret);
            /// A Bedrock key: base64 of text that names itself.
            AwsBedrockKey "aws-bedrock-key" [StandsAnywhere, HoldsText] => |secret, _, _| aws::bedrock_key(secret);
            /// Base64 of `user:password`.
            BasicAuth "basic-auth" [HoldsText] => |secret, _, _| encoded::basic_auth(secret);
            /// The last six characters are the base62 CRC32 of what stands between the prefix and them (GitHub, npm).
            Crc32Base62 "crc32-base62" [StandsAnywhere] => |secret, _, _| checksum::crc32_base62(secret);
            /// The last eight characters are the hexadecimal CRC32 of what stands before them (Grafana service accounts).
            Crc32Hex "crc32-hex" [StandsAnywhere] => |secret, _, _| checksum::crc32_hex(secret);
            /// The first part, in base64, is a Discord user id.
            DiscordToken "discord-token" [] => |secret, _, _| encoded::discord_token(secret);
            /// After the prefix stands base64 of a JSON object.
            JsonBase64 "json-base64" [StandsAnywhere, HoldsText] => |secret, _, _| encoded::json_after_prefix(secret);
            /// A JSON Web Token: header and payload are JSON objects, the header names an algorithm.
            Jwt "jwt" [StandsAnywhere, HoldsText] => |secret, _, _| jwt::check(secret);
            /// A private key in PEM, PuTTY or PGP armour that parses.
            PrivateKey "private-key" [HoldsText] => |secret, _, _| private_key::check(secret);
            /// Base64 of a PEM private key.
            PrivateKeyBase64 "private-key-base64" [HoldsText] => |secret, _, _| private_key::check_base64(secret);
            /// A PyPI token: a macaroon, version 2, whose location is an index.
            PypiMacaroon "pypi-macaroon" [StandsAnywhere, HoldsText] => |secret, _, _| encoded::pypi_macaroon(secret);
            /// Base64 of exactly 64 bytes (Azure storage and Cosmos keys).
            Key64Bytes "key-64-bytes" [] => |secret, _, _| encoded::key_of_64_bytes(secret);
            /// The password of a connection string or URL.
            UrlPassword "url-password" [HoldsText] => url::password;
            /// Base64 of text in a Kubernetes Secret, under a name that is not a user's or a certificate's.
            KubernetesData "kubernetes-data" [] => encoded::kubernetes_data;
            /// A GitLab token that tells its length and the CRC32 of itself at its end.
            GitlabRoutable "gitlab-routable" [StandsAnywhere] => |secret, _, _| checksum::gitlab_routable(secret);
        }
    };
}

pub(crate) use for_each_check;
