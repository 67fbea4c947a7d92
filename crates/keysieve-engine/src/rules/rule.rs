//! A rule as the engine reads it: built-in ones are constants in the binary, a repository's own ones are parsed.

use std::borrow::Cow;

use crate::check::table::for_each_check;
use crate::rating::{Advice, Confidence, Severity};

/// Text that is a constant for built-in rules and owned for configured ones.
pub type Text = Cow<'static, str>;
/// A list that is a constant for built-in rules and owned for configured ones.
pub type List<T> = Cow<'static, [T]>;

/// What finds one kind of credential.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Kebab-case name, unique among all rules.
    pub id: Text,
    /// What it finds, in words.
    pub name: Text,
    /// Who issues the credential; empty when nobody does (a password).
    pub provider: Text,
    /// What the credential opens, wherever it stands.
    pub severity: Severity,
    /// The most that it is worth in a test, an example or documentation: [`Self::severity`] if that makes no difference.
    pub severity_in_tests: Severity,
    /// How sure a match is before the judges speak.
    pub confidence: Confidence,
    /// How much the rule leans on its surroundings.
    pub class: Class,
    /// Keywords of which one must be in a match (pattern) or in the key (assignment).
    pub anchors: List<Anchor>,
    /// Words of which one must stand in the assigned name, ASCII case ignored. A rule that has them has no anchors: it is
    /// asked wherever a generic rule's anchor stands in such a name.
    pub names: List<Text>,
    /// How a match is made out once a keyword was found.
    pub matcher: Matcher,
    /// How far from the anchor anything can change the verdict.
    pub reach: Reach,
    /// Words of which one must stand within [`NEAR`] bytes of the anchor, ASCII case ignored; empty for no such demand.
    pub near: List<Text>,
    /// Fewest Shannon bits a character that the secret must have; 0 for no floor.
    pub entropy: f32,
    /// What can be proven of the secret offline.
    pub check: Option<Check>,
    /// What a check that fails does to the candidate.
    pub on_check_failure: OnCheckFailure,
    /// The rule that finds this credential's other half.
    pub pair: Option<Pair>,
    /// Globs of paths that the rule is for; empty for all.
    pub paths: List<Text>,
    /// A regular expression for secrets that are none; empty for no exception.
    pub ignore: Text,
    /// What to do about a finding.
    pub advice: Advice,
    /// Texts that must be found; `<…>` is a generator (see [`crate::rules::sample`]).
    pub examples: List<Text>,
    /// Texts that must not be found.
    pub counterexamples: List<Text>,
}

impl Rule {
    /// What the rule expects of a value.
    pub fn kind(&self) -> ValueKind {
        match self.matcher {
            Matcher::Assignment { kind, .. } => kind,
            Matcher::Pattern { .. } => ValueKind::Shaped,
        }
    }
}

/// How much a rule leans on what stands around the secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Any secret with a name that says so; gives way to every other rule.
    Generic,
    /// The name beside the value tells the provider, the value alone would not.
    Contextual,
    /// The secret's own shape tells what it is, even in a binary file.
    Distinctive,
}

/// A keyword: at least four bytes, ASCII where case does not matter.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Anchor {
    /// The keyword; lower case when `any_case`.
    pub text: Text,
    /// Whether ASCII case is ignored (`i:` in the rule file).
    pub any_case: bool,
}

/// How a match is made out around an anchor.
#[derive(Debug, Clone)]
pub enum Matcher {
    /// A regular expression that starts `lead` bytes before the anchor at the earliest; the group `secret` is the
    /// secret, or the whole match is.
    Pattern {
        /// The expression, in byte mode (`(?-u)`).
        regex: Text,
        /// Most bytes of the match that stand before the anchor.
        lead: u16,
        /// Matches from the end of a secret on where there is another one, within the reach; empty if there is none.
        next: Text,
    },
    /// A name and the value assigned to it, in any syntax.
    Assignment {
        /// Found somewhere in the name that holds the anchor, ASCII case ignored; empty for any name.
        key: Text,
        /// Matches the whole value.
        value: Text,
        /// What a generic value must look like.
        kind: ValueKind,
    },
}

/// What the plausibility judge expects of an assigned value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueKind {
    /// A person may have chosen it.
    Password,
    /// A machine made it: long and random.
    Token,
    /// The value's expression already says enough.
    Shaped,
}

/// How far from its anchor anything can change a rule's verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// The anchor's own line.
    Line,
    /// So many lines after the anchor's.
    Lines(u16),
    /// So many bytes after the anchor.
    Bytes(u32),
}

/// Fewest bytes of an anchor: the gate probes every second byte for three-byte grams, so no fewer cannot slip through.
pub const SHORTEST_ANCHOR: usize = 4;
/// Most bytes of an anchor that is looked for.
pub const LONGEST_ANCHOR: usize = 32;
/// Bytes before an anchor that any rule or judge may look at.
pub const LOOK_BEHIND: usize = 512;
/// Bytes after what a rule's reach grants that its judges may look at.
pub const MARGIN: usize = 256;
/// How far before and after its anchor a rule's `near` words may stand, in bytes.
pub const NEAR: usize = 256;
/// Most bytes after an anchor that any rule or judge may look at.
pub const LOOK_AHEAD: usize = 48 * 1024;
/// Longest program a rule's expression may compile to, in bytes: bounds what one rule can cost.
pub const REGEX_SIZE_LIMIT: usize = 1 << 20;
/// Most bytes that a line and the one after it count for.
pub const LINE_AHEAD: usize = 4096;

impl Reach {
    /// Most bytes after the anchor's start that the rule may look at.
    pub fn ahead(self) -> usize {
        match self {
            Self::Line => LINE_AHEAD,
            Self::Lines(lines) => (LINE_AHEAD + 256 * usize::from(lines)).min(LOOK_AHEAD - MARGIN),
            Self::Bytes(bytes) => (bytes as usize).min(LOOK_AHEAD - MARGIN),
        }
    }

    /// Where what the rule may look at ends in `bytes`: a value can stand in the line after its name, so lines are one
    /// more than the rule says.
    pub fn end(self, bytes: &[u8], anchor: usize) -> usize {
        let limit = bytes.len().min(anchor + self.ahead());
        let lines = match self {
            Self::Line => 2,
            Self::Lines(lines) => usize::from(lines) + 2,
            Self::Bytes(_) => return limit,
        };
        // The anchor's own line is the first of them.
        memchr::memchr_iter(b'\n', &bytes[anchor..limit]).nth(lines - 1).map_or(limit, |at| anchor + at)
    }
}

/// What happens to a candidate whose check fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnCheckFailure {
    /// It is no credential.
    Drop,
    /// It is kept with low confidence.
    Low,
}

/// The other half of a credential.
#[derive(Debug, Clone)]
pub struct Pair {
    /// Id of the rule that finds the other half.
    pub with: Text,
    /// Most lines between the two.
    pub within_lines: u16,
}

macro_rules! checks {
    ($($(#[doc = $proves:literal])+ $check:ident $name:literal [$($holds:ident),*] => $apply:expr;)+) => {
        /// Proofs that need no network: the rows of `crate::check::table`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Check {
            $($(#[doc = $proves])+ $check,)+
        }

        impl Check {
            /// Every check.
            pub const ALL: &[Self] = &[$(Self::$check),+];

            /// The name in rule files.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$check => $name,)+
                }
            }

            fn traits(self) -> &'static [Trait] {
                match self {
                    $(Self::$check => &[$(Trait::$holds),*],)+
                }
            }
        }
    };
}

for_each_check!(checks);

/// What holds of all secrets that a check proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trait {
    /// It is a token even in the middle of a longer word: chance meets a checksum of 32 bits, or a structure, nowhere.
    StandsAnywhere,
    /// It holds, or encodes, text that may be any: the check says more of it than words that come up inside.
    HoldsText,
}

impl Check {
    /// See [`Trait::StandsAnywhere`].
    pub fn needs_no_border(self) -> bool {
        self.traits().contains(&Trait::StandsAnywhere)
    }

    /// See [`Trait::HoldsText`].
    pub fn holds_text(self) -> bool {
        self.traits().contains(&Trait::HoldsText)
    }
}
