//! One form for what Terraform, CloudFormation, Kubernetes, compose and workflow files say: maps, lists and texts with the
//! lines that they stand on.
//!
//! saphyr-parser reads YAML and JSON, whose tags (`!Sub`, `!Ref`) make a text a reference; [`super::terraform`] has HCL.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser};

/// Deepest nesting that is read; what lies deeper makes the file unreadable.
const MAX_DEPTH: usize = 100;
/// Most values that a file's aliases stand for; a file of more is made to fill the memory.
const MAX_ALIASED: usize = 100_000;

/// A value and the line where it starts, from 1.
#[derive(Debug, Clone)]
pub struct Node {
    /// Line, from 1.
    pub line: u64,
    /// What it is.
    pub kind: Kind,
}

/// What a value is.
#[derive(Debug, Clone)]
pub enum Kind {
    /// A string, number or boolean as it is written.
    Literal(String),
    /// Something that is known only when it is deployed: a variable, a reference, a call.
    Reference(String),
    /// Several values.
    List(Vec<Node>),
    /// Named values in their order.
    Map(Vec<(String, Node)>),
}

/// The value of what is not there.
static ABSENT: Node = Node { line: 0, kind: Kind::List(Vec::new()) };

impl Node {
    /// A value that starts on this line.
    pub fn new(line: u64, kind: Kind) -> Self {
        Self { line, kind }
    }

    /// The value that one of these names has, ASCII case and underscores ignored: `kms_key_id` is `KmsKeyId`.
    pub fn get(&self, names: &[&str]) -> Option<&Node> {
        let Kind::Map(entries) = &self.kind else { return None };
        entries.iter().find(|(key, _)| names.iter().any(|name| same(key, name))).map(|(_, value)| value)
    }

    /// The same, or an empty list.
    pub fn at(&self, names: &[&str]) -> &Node {
        self.get(names).unwrap_or(&ABSENT)
    }

    /// The text, whether it is a literal or a reference.
    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Literal(text) | Kind::Reference(text) => Some(text),
            _ => None,
        }
    }

    /// The text of a literal.
    pub fn literal(&self) -> Option<&str> {
        match &self.kind {
            Kind::Literal(text) => Some(text),
            _ => None,
        }
    }

    /// Whether it is there and literally this, ASCII case ignored.
    pub fn is(&self, text: &str) -> bool {
        self.literal().is_some_and(|it| it.eq_ignore_ascii_case(text))
    }

    /// Its members, or itself alone if it is no list; a block that stands once is a map and counts as one.
    pub fn members(&self) -> &[Node] {
        match &self.kind {
            Kind::List(members) => members,
            _ => std::slice::from_ref(self),
        }
    }

    /// Its named values.
    pub fn entries(&self) -> &[(String, Node)] {
        match &self.kind {
            Kind::Map(entries) => entries,
            _ => &[],
        }
    }

    /// How many values it is made of.
    fn size(&self) -> usize {
        1 + match &self.kind {
            Kind::List(members) => members.iter().map(Node::size).sum::<usize>(),
            Kind::Map(entries) => entries.iter().map(|(_, value)| value.size()).sum(),
            _ => 0,
        }
    }

    /// Calls `found` with every map in it, itself included.
    pub fn maps<'a>(&'a self, found: &mut dyn FnMut(&'a Node)) {
        match &self.kind {
            Kind::Map(entries) => {
                found(self);
                entries.iter().for_each(|(_, value)| value.maps(found));
            }
            Kind::List(members) => members.iter().for_each(|member| member.maps(found)),
            _ => {}
        }
    }
}

/// Whether two names are the same but for case and `_` and `-`.
fn same(a: &str, b: &str) -> bool {
    let plain = |text: &str| -> Vec<u8> {
        text.bytes().filter(|byte| !matches!(byte, b'_' | b'-')).map(|byte| byte.to_ascii_lowercase()).collect()
    };
    plain(a) == plain(b)
}

/// A list or map whose end is still to come.
struct Open {
    node: Node,
    /// The name that waits for its value, and its line.
    key: Option<(String, u64)>,
    anchor: usize,
}

/// Reads YAML, and JSON as a part of it; a document each. The error names line and reason.
pub fn yaml(text: &str) -> Result<Vec<Node>, String> {
    let mut documents = Vec::new();
    let mut open: Vec<Open> = Vec::new();
    let mut anchors: HashMap<usize, (Kind, usize)> = HashMap::new();
    let mut aliased = 0;
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| error.to_string())?;
        let line = span.start.line() as u64;
        let (done, anchor) = match event {
            Event::Scalar(text, _, anchor, tag) => {
                let is_reference = tag.is_some_and(|tag| !tag.is_yaml_core_schema());
                let text = text.into_owned();
                (Node::new(line, if is_reference { Kind::Reference(text) } else { Kind::Literal(text) }), anchor)
            }
            Event::SequenceStart(anchor, _) => {
                open.push(Open { node: Node::new(line, Kind::List(Vec::new())), key: None, anchor });
                continue;
            }
            Event::MappingStart(anchor, _) => {
                open.push(Open { node: Node::new(line, Kind::Map(Vec::new())), key: None, anchor });
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => match open.pop() {
                Some(Open { node, anchor, .. }) => (merged(node), anchor),
                None => continue,
            },
            // Lists and maps by another name could grow without bound.
            Event::Alias(id) => match anchors.get(&id) {
                Some((_, size)) if aliased + size > MAX_ALIASED => {
                    return Err(format!("line {line}: its aliases stand for more than {MAX_ALIASED} values"));
                }
                Some((kind, size)) => {
                    aliased += size;
                    (Node::new(line, kind.clone()), 0)
                }
                None => (Node::new(line, Kind::Reference(String::new())), 0),
            },
            _ => continue,
        };
        if open.len() > MAX_DEPTH {
            return Err(format!("line {line}: it is nested deeper than {MAX_DEPTH} levels"));
        }
        if anchor > 0 {
            let size = done.size();
            aliased += size;
            if aliased > MAX_ALIASED {
                return Err(format!("line {line}: its anchors stand for more than {MAX_ALIASED} values"));
            }
            anchors.insert(anchor, (done.kind.clone(), size));
        }
        match open.last_mut() {
            None => documents.push(done),
            Some(Open { node: Node { kind: Kind::Map(entries), .. }, key, .. }) => match key.take() {
                // Of what has a name the name's line counts: a block of YAML starts on the next one.
                Some((key, at)) => {
                    let is_text = done.text().is_some();
                    entries.push((key, Node { line: if is_text { done.line } else { at }, ..done }));
                }
                None => *key = Some((done.text().unwrap_or_default().to_owned(), done.line)),
            },
            Some(Open { node: Node { kind: Kind::List(members), .. }, .. }) => members.push(done),
            Some(_) => {}
        }
    }
    Ok(documents)
}

/// Puts what `<<` names into the map itself; what the map says itself comes first, and so counts.
fn merged(mut node: Node) -> Node {
    if let Kind::Map(entries) = &mut node.kind
        && entries.iter().any(|(key, _)| key == "<<")
    {
        let (merges, mut own): (Vec<_>, Vec<_>) = std::mem::take(entries).into_iter().partition(|(key, _)| key == "<<");
        let members = merges.iter().flat_map(|(_, value)| value.members()).flat_map(Node::entries);
        for (key, value) in members {
            if !own.iter().any(|(known, _)| known == key) {
                own.push((key.clone(), value.clone()));
            }
        }
        *entries = own;
    }
    node
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yaml_and_json_give_values_with_their_lines() {
        let text = "a: 1\nb:\n  - !Ref X\n  - {c: d}\n---\n{\"e\": \"f\"}\n";
        let documents = yaml(text).unwrap();
        assert_eq!(documents.len(), 2);
        let list = documents[0].at(&["B"]).members();
        assert!(matches!(&list[0].kind, Kind::Reference(name) if name == "X"));
        assert_eq!((list[1].at(&["c"]).literal(), list[1].line), (Some("d"), 4));
        assert!(yaml("a: [1").is_err() && yaml(&"[".repeat(5000)).is_err());
    }

    #[test]
    fn aliases_and_merges_are_what_they_name() {
        let text = "base: &b\n  image: x\n  env: &e {A: 1, B: 2}\nc:\n  <<: *b\n  image: y\nd:\n  <<: [*e, *b]\n  B: 3\nl: [*e, *b]\n";
        let document = &yaml(text).unwrap()[0];
        let c = document.at(&["c"]);
        assert!(c.at(&["image"]).is("y") && c.at(&["env"]).at(&["A"]).is("1") && c.entries().len() == 2);
        let d = document.at(&["d"]);
        assert!(d.at(&["A"]).is("1") && d.at(&["B"]).is("3") && d.at(&["image"]).is("x"));
        assert!(document.at(&["l"]).members()[0].at(&["A"]).is("1"));
        let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
        (1..9).for_each(|n| bomb += &format!("a{n}: &a{n} [{}]\n", format!("*a{}, ", n - 1).repeat(9)));
        assert!(yaml(&bomb).unwrap_err().contains("stand for more"));
        assert!(yaml("a: &a [*a]\n").is_ok());
    }
}
