//! Why a candidate is a credential, or is none: a code that stays, and what it says in English.
//!
//! Everything that goes by a reason (the model, reports, tests) goes by its [`Code`]; the English is for people and may be
//! put in better words at any time.

use std::fmt;

/// A reason with what is told of this one case: an account's number, the bits a character.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reason {
    /// What kind of reason.
    pub code: Code,
    /// What stands for `{}` in its text.
    pub detail: Option<Box<str>>,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.code.text().split_once("{}"), &self.detail) {
            (Some((before, after)), Some(detail)) => write!(f, "{before}{detail}{after}"),
            _ => f.write_str(self.code.text()),
        }
    }
}

impl From<Code> for Reason {
    fn from(code: Code) -> Self {
        Self { code, detail: None }
    }
}

impl Code {
    /// The reason with what is told of this case.
    pub fn with(self, detail: impl fmt::Display) -> Reason {
        Reason { code: self, detail: Some(detail.to_string().into()) }
    }
}

/// For codes that the model knows nothing of.
const NONE: u32 = u32::MAX;

macro_rules! codes {
    ($($name:ident, $code:literal, $feature:expr, $text:literal;)*) => {
        /// A kind of reason. The names that [`Self::as_str`] gives are part of the report formats and stay.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code {
            $(#[doc = $text] $name,)*
        }

        impl Code {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The name in every format: what it is about, a dot, what it says.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// The English; `{}` stands for the detail.
            pub fn text(self) -> &'static str {
                #[cfg(test)]
                if REWORDED.get() {
                    return "in other words: {}";
                }
                match self { $(Self::$name => $text,)* }
            }

            /// The number under which the model learned it, if it is one of the reasons of the rules of thumb.
            pub(crate) fn feature(self) -> Option<u32> {
                let feature = match self { $(Self::$name => $feature,)* };
                (feature != NONE).then_some(feature)
            }
        }
    };
}

codes! {
    Marker, "allow.marker", NONE, "{}";
    MarkerOfChange, "allow.marker-of-the-change", NONE, "the marker that allows it came with the change";
    Binary, "content.binary", NONE, "it stands in binary content";
    OwnFingerprint, "content.own-fingerprint", NONE, "it is one of keysieve's own fingerprints";
    WrittenIn, "encoding.written-in", NONE, "written in {}";
    LowEntropy, "entropy.low", NONE, "{} bits a character";
    Entropy, "entropy.bits", NONE, "{} bits a character";
    ExampleHost, "host.example", NONE, "its host is an example";
    LocalHost, "host.local", NONE, "it opens a service on the same machine";
    ModelCredential, "model.credential", NONE, "its name, its value and what stands around read like a credential";
    ModelHopeless, "model.hopeless", NONE, "its name and its value do not read like a credential";
    ModelNo, "model.no-credential", NONE, "its name, its value and its place do not read like a credential";
    DescribingName, "name.describing", 46247, "its name says that it describes a secret";
    AboutSecrets, "name.about-secrets", 36616, "its name says that it is something about secrets";
    Overlap, "overlap.other-rule", NONE, "`{}` tells more about it";
    Paired, "pair.other-half", NONE, "with its other half in line {}";
    WellKnownPassword, "password.well-known", 68087, "a password that everybody tries first";
    NumberAsPassword, "password.number", 11946, "a number where a password is expected";
    NoWordPassword, "password.no-word", 78408, "a password without a word in it";
    ChosenMixed, "password.letters-digits-symbols", 31192, "letters, digits and more, as in a chosen password";
    ChosenDigits, "password.letters-digits", 44849, "letters and digits, as in a chosen password";
    ChosenSymbols, "password.letters-symbols", 53258, "letters and symbols, as in a chosen password";
    WellKnownBase64, "password.well-known-base64", NONE, "a password that everybody tries first, in base64";
    UserIsPassword, "password.is-user", NONE, "the user's name is its password";
    ExamplePassword, "password.example", NONE, "an example's password at an example's host";
    BareWord, "path.bare-word-in-source", NONE, "a bare word in source code is not a literal";
    LockFile, "path.lock-file", NONE, "lock files hold digests";
    InTest, "path.test", NONE, "in a test";
    InExample, "path.example", NONE, "in an example or documentation";
    Template, "placeholder.template", 106510, "it is a template that is filled in elsewhere";
    Variable, "placeholder.variable", 123073, "it is the name of a variable";
    CutShort, "placeholder.cut-short", 48537, "it is cut short";
    FormatDirective, "placeholder.format-directive", 67152, "it is a format directive";
    Masked, "placeholder.masked", 15409, "it is masked";
    NoValueWord, "placeholder.word", 12586, "it is a word that stands for no value";
    SaysExample, "placeholder.says-example", 65158, "it says that it is an example";
    MaskedToken, "placeholder.masked-token", 94564, "it is masked or a template";
    Repeats, "placeholder.repeats", 25306, "one character repeats";
    CountsUp, "placeholder.counts-up", 43550, "it counts up";
    Placeholder, "placeholder.key", NONE, "it is a placeholder";
    StandsForPassword, "placeholder.stands-for-password", NONE, "it stands for a password";
    CodeOrTemplate, "placeholder.code-or-template", NONE, "it is code or a template";
    OptionalPart, "placeholder.optional-part", NONE, "it is a template's optional part";
    ConnectionPassword, "position.connection-password", NONE, "it stands where a connection's password goes";
    DocComment, "position.documentation-comment", NONE, "an example in a documentation comment";
    UserBeside, "position.user-beside", NONE, "a user name stands beside it";
    Ignored, "rule.ignored", NONE, "the rule lists it as not a secret";
    NotBase32, "structure.not-base32", NONE, "its characters are not base32";
    OldAwsKey, "structure.aws-key-before-2019", NONE, "a key from before 2019, which names no account";
    AwsAccount, "structure.aws-account", NONE, "account {}";
    AwsAccountTooLong, "structure.aws-account-too-long", NONE, "the account id in it has more than twelve digits";
    GitHash, "structure.git-hash", NONE, "it is hexadecimal, like a git hash";
    LacksClasses, "structure.lacks-character-classes", NONE, "it lacks digits, capitals or small letters";
    SesPassword, "structure.ses-password", NONE, "33 bytes with the version that SES puts first";
    NotSesPassword, "structure.not-ses-password", NONE, "it is not 33 bytes with the version 4 first";
    BedrockKey, "structure.bedrock-key", NONE, "it names itself a Bedrock key";
    NotBedrockKey, "structure.not-bedrock-key", NONE, "it does not decode to a Bedrock key";
    ChecksumTooShort, "structure.checksum-too-short", NONE, "it is too short for its checksum";
    ChecksumHolds, "structure.checksum-holds", NONE, "its checksum holds";
    ChecksumWrong, "structure.checksum-wrong", NONE, "its checksum is wrong";
    NoChecksum, "structure.no-checksum", NONE, "it has no checksum";
    NotBase64, "structure.not-base64", NONE, "it is not base64";
    BodyNotBase64, "structure.body-not-base64", NONE, "its body is not base64";
    NoUserPassword, "structure.no-user-and-password", NONE, "it holds no `user:password`";
    PlaceholderInside, "structure.placeholder-inside", NONE, "the password in it is a placeholder";
    UserAndPassword, "structure.user-and-password", NONE, "it decodes to a user and a password";
    PublicKeyName, "structure.public-name", NONE, "its key says that it is public";
    HoldsNoSecret, "structure.holds-no-secret", NONE, "it holds no secret";
    SecretText, "structure.kubernetes-secret-text", NONE, "base64 of {} bytes of text in a Secret";
    SecretBytes, "structure.kubernetes-secret", NONE, "base64 in a Secret";
    NoJson, "structure.no-json", NONE, "it holds no JSON";
    JsonObject, "structure.json-object", NONE, "it decodes to a JSON object";
    NotJsonObject, "structure.not-json-object", NONE, "it does not decode to a JSON object";
    Macaroon, "structure.macaroon", NONE, "a macaroon for {}";
    OtherMacaroon, "structure.macaroon-of-another-kind", NONE, "its macaroon is not for a package index";
    NotMacaroon, "structure.not-a-macaroon", NONE, "it does not decode to a macaroon";
    RepeatedBytes, "structure.repeated-bytes", NONE, "its 64 bytes repeat themselves";
    AccountKey, "structure.account-key", NONE, "it decodes to the 64 bytes of an account key";
    NotAccountKey, "structure.not-an-account-key", NONE, "it does not decode to 64 bytes";
    DiscordUser, "structure.discord-user", NONE, "its first part decodes to a user id";
    NotDiscordUser, "structure.not-a-discord-user", NONE, "its first part is not a user id";
    JwtParts, "structure.jwt-parts", NONE, "it has fewer than three parts";
    JwtHeader, "structure.jwt-header", NONE, "its header is not a JSON object";
    JwtNoAlgorithm, "structure.jwt-no-algorithm", NONE, "its header names no algorithm";
    Jwe, "structure.jwe", NONE, "an encrypted token (JWE)";
    JwtPayload, "structure.jwt-payload", NONE, "its payload is not a JSON object";
    JwtUnsigned, "structure.jwt-unsigned", NONE, "it carries no signature";
    JwtExample, "structure.jwt-example", NONE, "it is the example on jwt.io";
    SupabaseAnonymous, "structure.supabase-anonymous", NONE, "Supabase's anonymous key, which is made to be public";
    SupabaseLocal, "structure.supabase-local", NONE, "the key of every local Supabase";
    Jwt, "structure.jwt", NONE, "header and payload parse; signed with {}";
    BeginLine, "structure.begin-line", NONE, "its BEGIN line is incomplete";
    HoldsNoKey, "structure.holds-no-key", NONE, "it holds no key";
    EncryptedPem, "structure.encrypted-pem", NONE, "an encrypted private key (Proc-Type 4)";
    EncryptedPkcs8, "structure.encrypted-pkcs8", NONE, "an encrypted private key (PKCS#8)";
    NotDer, "structure.not-der", NONE, "its body is not DER";
    UnparsedKey, "structure.unparsed-key", NONE, "a key's armour around a body that does not parse";
    NotPrivateKey, "structure.not-a-private-key", NONE, "it does not decode to a private key";
    BodyNotPrivateKey, "structure.body-not-a-private-key", NONE, "its body is not a private key";
    PrivateKey, "structure.private-key", NONE, "{} that parses";
    NotOpenSsh, "structure.not-openssh", NONE, "it lacks the magic of OpenSSH keys";
    OpenSshKey, "structure.openssh-key", NONE, "an OpenSSH key without a passphrase that parses";
    EncryptedOpenSsh, "structure.encrypted-openssh", NONE, "an OpenSSH key with a passphrase";
    OpenSshCutShort, "structure.openssh-cut-short", NONE, "it ends before its cipher's name";
    OpenPgpKey, "structure.openpgp-key", NONE, "an OpenPGP secret key packet";
    NoSecretKey, "structure.no-secret-key", NONE, "it holds no secret key";
    PuttyNoPrivateLines, "structure.putty-no-private-lines", NONE, "it has no private lines";
    PuttyKey, "structure.putty-key", NONE, "a PuTTY key without a passphrase";
    EncryptedPutty, "structure.encrypted-putty", NONE, "a PuTTY key with a passphrase";
    PuttyNoEncryption, "structure.putty-no-encryption", NONE, "it does not say how it is encrypted";
    InsideWord, "structure.inside-word", NONE, "it is part of a longer word, and nothing proves it";
    Shape, "structure.shape", NONE, "its shape is the provider's";
    Host, "syntax.host", 89336, "it is the address that a call connects to";
    ListItem, "syntax.list-item", 76485, "it is an item of a list";
    Prompt, "syntax.prompt", 83953, "it is a prompt";
    LookupName, "syntax.lookup-name", 89336, "it is the name under which the value is looked up";
    Sentence, "syntax.sentence", 67300, "it is the first word of a sentence";
    TemplateStart, "syntax.template", 102205, "it is the start of a template";
    Digest, "value.digest", 14704, "it is a digest";
    RepeatsName, "value.repeats-name", 100084, "it repeats its name";
    RegularExpression, "value.regular-expression", 41787, "it is a regular expression";
    NumberSequence, "value.number-sequence", 32972, "its numbers follow a pattern";
    OptionName, "value.option-name", 130574, "it is an option's name";
    Blanks, "value.blanks", 70805, "it has blanks";
    Path, "value.path", 105467, "it is a path";
    Url, "value.url", 45051, "it is a URL";
    CodeText, "value.code", 113286, "it is code";
    DottedName, "value.dotted-name", 48022, "it is a dotted name";
    Uuid, "value.uuid", 872, "it is a UUID";
    NoLettersOrDigits, "value.no-letters-or-digits", 78398, "it has neither letters nor digits";
    FileName, "value.file-name", 58762, "it is a file name";
    TooShort, "value.too-short", 99636, "it is shorter than four characters";
    TooLong, "value.too-long", 125377, "it is longer than a password";
    OtherScript, "value.other-script", 103249, "it is text in another script";
    Expression, "value.expression", 64823, "it is an expression";
    Identifier, "value.identifier", 87021, "it looks like an identifier";
    ConstantName, "value.constant-name", 17713, "it looks like a constant's name";
    OrdinaryWord, "value.ordinary-word", 92607, "it may be an ordinary word";
    Number, "value.number", 34416, "it is a number";
    Label, "value.label", 25989, "it is a label";
    MaybeText, "value.maybe-text", 36044, "it may be text";
    ShortPlain, "value.short-plain", 116122, "it is short and plain";
    TextNotKey, "value.text", 37414, "it is text, not a key";
    NoDigits, "value.no-digits", 66320, "it has no digits, which random keys of its length have";
    LongRandom, "value.long-random", 51126, "long and random, as machines make keys";
    Random, "value.random", 105592, "random, as machines make keys";
    NotRandom, "value.not-random", 99423, "not as random as keys are";
    NameAndShape, "value.name-and-shape", 74627, "the name and the value's shape agree";
    Port, "value.port", NONE, "it is a port";
}

#[cfg(test)]
thread_local! {
    /// Whether this thread's tests read all reasons in other words.
    static REWORDED: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::candidate::Candidate;
    use crate::content::Stream;
    use crate::{Detector, Scratch};

    /// What the engine makes of some lines of every kind, reasons aside.
    fn judged() -> Vec<String> {
        let lines: Vec<String> =
            ["Tr4vel-Lantern-91", "changeme", "hunter2", "a/b/c", "q8Zr2Lx0Vt5Nw7Bk3Hs9", "MY_CONSTANT", "4711"]
                .iter()
                .flat_map(|value| {
                    ["db_password", "api_token", "secret_key"].map(|name| format!("{name} = \"{value}\"\n\n"))
                })
                .collect();
        let text = lines.concat();
        let detector = Detector::builtin().with_explanations().with_features();
        let mut stream = Stream::new();
        stream.feed(&detector, &mut Scratch::default(), text.as_bytes(), 0..text.len());
        let told = |it: Candidate| format!("{} {:?} {:?} {:?}", it.rule, it.confidence, it.score, it.features);
        stream.finish(&detector).into_iter().map(told).collect()
    }

    #[test]
    fn no_score_hangs_on_words() {
        let before = judged();
        REWORDED.set(true);
        let after = judged();
        REWORDED.set(false);
        assert!(before.len() > 10);
        assert_eq!(before, after);
    }

    #[test]
    fn codes_are_told_apart_and_well_formed() {
        let names: HashSet<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(names.len(), Code::ALL.len());
        let is_word = |word: &str| word.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-');
        for name in names {
            let parts: Vec<&str> = name.split('.').collect();
            assert!(parts.len() == 2 && parts.iter().all(|part| is_word(part) && !part.is_empty()), "{name}");
        }
    }

    #[test]
    fn a_detail_stands_where_the_text_says() {
        assert_eq!(Code::AwsAccount.with(format_args!("{:012}", 42)).to_string(), "account 000000000042");
        assert_eq!(Reason::from(Code::ChecksumHolds).to_string(), "its checksum holds");
    }
}
