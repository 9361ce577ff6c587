//! What is written is read back; every rule refuses what breaks it.

use dlrs_io::safetensors::{Dtype, Header, read, write_header};
use dlrs_io::{Error, Input, Result};

fn file(header: &str, data: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat()
}

fn rule(bytes: &[u8]) -> &'static str {
    rule_of(read(bytes))
}

fn rule_of(result: Result<Header>) -> &'static str {
    match result {
        Ok(_) => "",
        Err(Error::Format(error)) => {
            assert_eq!(error.to_string().matches(error.rule).count(), 1);
            error.rule
        }
        Err(error) => panic!("{error}"),
    }
}

/// A file with one entry, `a`, of 8 bytes of data.
fn entry(text: &str) -> Vec<u8> {
    file(&format!(r#"{{"a":{{{text}}}}}"#), &[0; 8])
}

const GOOD: &str = r#""dtype":"F32","shape":[2],"data_offsets":[0,8]"#;

#[test]
fn what_is_written_is_read() {
    let tensors: [(&str, Dtype, &[u64]); 5] = [
        ("b", Dtype::F32, &[2, 3]),
        ("a \"quoted\" \\ é", Dtype::Bool, &[]),
        ("empty", Dtype::I64, &[0, 4]),
        ("half", Dtype::Bf16, &[3]),
        ("also empty", Dtype::U8, &[0]),
    ];
    let header = write_header(&tensors, &[("format", "x\n\"y\"")]).unwrap();
    assert!(header.len().is_multiple_of(16));
    let file = [header.clone(), vec![0; 24 + 1 + 6]].concat();
    let found = read(&file[..]).unwrap();
    assert_eq!(found.data_start, header.len() as u64);
    assert_eq!(found.metadata, [("format".to_owned(), "x\n\"y\"".to_owned())]);
    for (entry, (name, dtype, shape)) in found.entries.iter().zip(tensors) {
        assert_eq!((&*entry.name, entry.dtype, &*entry.shape), (name, dtype, shape));
    }
    let spans: Vec<_> = found.entries.iter().map(|entry| (entry.start, entry.end)).collect();
    assert_eq!(spans, [(0, 24), (24, 25), (25, 25), (25, 31), (31, 31)]);
    for length in 0..file.len() {
        assert_ne!(rule(&file[..length]), "", "cut to {length} bytes");
    }
    assert_eq!(rule(&[&file[..], &[0]].concat()), "S6");
}

#[test]
fn the_writer_refuses_what_the_reader_would() {
    let refused = |tensors: &[(&str, Dtype, &[u64])]| match write_header(tensors, &[]) {
        Err(Error::Format(error)) => error.rule,
        _ => "",
    };
    assert_eq!(refused(&[]), "");
    assert_eq!(refused(&[("a", Dtype::U8, &[]), ("a", Dtype::U8, &[])]), "G12");
    assert_eq!(refused(&[("__metadata__", Dtype::U8, &[])]), "G12");
    assert_eq!(refused(&[("", Dtype::U8, &[])]), "G10");
    assert_eq!(refused(&[("a\0", Dtype::U8, &[])]), "G10");
    assert_eq!(refused(&[(&"x".repeat(1025), Dtype::U8, &[])]), "G10");
    assert_eq!(refused(&[("a", Dtype::U8, &[1; 33])]), "G8");
    assert_eq!(refused(&[("a", Dtype::F64, &[1 << 40, 1 << 40])]), "G8");
}

#[test]
fn lengths_and_text_of_headers() {
    assert_eq!(rule(b""), "S1");
    assert_eq!(rule(&[0; 9]), "S1");
    assert_eq!(rule(&file("{}", b"")), "");
    assert_eq!(rule(&[1, 0, 0, 0, 0, 0, 0, 0, b'{', b'}']), "S1");
    for length in [11, 1 << 20, 100_000_001, u64::MAX, u64::MAX - 7] {
        assert_eq!(rule(&[&u64::to_le_bytes(length)[..], b"{}"].concat()), "S1", "{length}");
    }
    for header in ["[]", " {}", "{]", "{}x", "{}\n", "{}{}", "\"{}\"", "{\"a\":", "nul", "{\"a\" 1}"] {
        assert_eq!(rule(&file(header, b"")), "S2", "{header}");
    }
    assert_eq!(rule(&file("{}   ", b"")), "");
    assert_eq!(rule(&[&3u64.to_le_bytes()[..], b"{\xff}"].concat()), "S2");
    assert_eq!(rule(&file(&"{\"a\":".repeat(100), b"")), "S3");
    assert_eq!(rule(&file(&format!(r#"{{"a":{{{GOOD}}},"a":{{{GOOD}}}}}"#), &[0; 8])), "G12");
    assert_eq!(rule(&file(&format!(r#"{{"":{{{GOOD}}}}}"#), &[0; 8])), "G10");
    assert_eq!(rule(&file(&format!(r#"{{"\u0000":{{{GOOD}}}}}"#), &[0; 8])), "G10");
}

#[test]
fn entries() {
    let with = |from: &str, to: &str| rule(&entry(&GOOD.replace(from, to)));
    assert_eq!(with("", ""), "");
    for (from, to, expected) in [
        (r#""dtype":"F32","#, "", "S3"),
        (r#""dtype":"F32""#, r#""dtype":"F32","dtype":"F32""#, "G12"),
        (r#""dtype""#, r#""x":1,"dtype""#, "S3"),
        (r#""F32""#, "32", "S3"),
        (r#""F32""#, r#""F33""#, "G14"),
        (r#""F32""#, r#""F8_E4M3""#, "G14"),
        (r#""F32""#, r#""O""#, "G14"),
        ("[2]", "2", "S4"),
        ("[2]", "[-2]", "S4"),
        ("[2]", "[2.0]", "S4"),
        ("[2]", "[2e0]", "S4"),
        ("[2]", "[true]", "S4"),
        ("[2]", "[null]", "S4"),
        ("[2]", "[\"2\"]", "S4"),
        ("[2]", "[[2]]", "S4"),
        ("[2]", "[3]", "S5"),
        ("[2]", "[1099511627777,0]", "G8"),
        ("[2]", "[18446744073709551616]", "G8"),
        ("[2]", "[1099511627776,1099511627776]", "G8"),
        ("[2]", "[0,1099511627776,1099511627776]", "G8"),
        ("[0,8]", "[0,8,8]", "S5"),
        ("[0,8]", "[0]", "S5"),
        ("[0,8]", "[8,0]", "S5"),
        ("[0,8]", "[-8,0]", "S5"),
        ("[0,8]", "[0,16]", "S5"),
        ("[0,8]", "[1,9]", "S6"),
        ("[0,8]", "[18446744073709551615,7]", "S5"),
    ] {
        assert_eq!(with(from, to), expected, "{from} -> {to}");
    }
    assert_eq!(rule(&file(r#"{"a":[]}"#, b"")), "S3");
    let rank = format!(r#""dtype":"U8","shape":[{}],"data_offsets":[0,8]"#, ["1"; 33].join(","));
    assert_eq!(rule(&entry(&rank)), "G8");
}

#[test]
fn offsets_of_all_entries() {
    let two = |a: &str, b: &str| {
        let one = |span: &str| format!(r#"{{"dtype":"U8","shape":[4],"data_offsets":[{span}]}}"#);
        rule(&file(&format!(r#"{{"a":{},"b":{}}}"#, one(a), one(b)), &[0; 8]))
    };
    assert_eq!(two("0,4", "4,8"), "");
    assert_eq!(two("4,8", "0,4"), "");
    assert_eq!(two("0,4", "0,4"), "S6");
    assert_eq!(two("0,4", "3,7"), "S6");
    assert_eq!(two("0,4", "5,9"), "S6");
    assert_eq!(two("1,5", "5,9"), "S6");
    let long = r#"{"a":{"dtype":"U8","shape":[9],"data_offsets":[0,9]}}"#;
    assert_eq!(rule(&file(long, &[0; 8])), "G7");
    let empty = |at: u64| format!(r#"{{"e":{{"dtype":"U8","shape":[0],"data_offsets":[{at},{at}]}}}}"#);
    assert_eq!(rule(&file(&empty(0), b"")), "");
    assert_eq!(rule(&file(&empty(1), b"")), "S6");
}

#[test]
fn metadata_and_bools() {
    let with = |text: &str| rule(&file(&format!(r#"{{"__metadata__":{text}}}"#), b""));
    assert_eq!(with(r#"{"a":"b"}"#), "");
    for text in [r#""x""#, "[]", r#"{"a":1}"#, r#"{"a":{}}"#, r#"{"a":null}"#] {
        assert_eq!(with(text), "S7", "{text}");
    }
    assert_eq!(with(&format!(r#"{{"a":"{}"}}"#, "x".repeat(1 << 20))), "S7");
    assert_eq!(with(r#"{"a":"b","a":"c"}"#), "G12");
    let header = r#"{"a":{"dtype":"BOOL","shape":[3],"data_offsets":[0,3]}}"#;
    assert_eq!(rule(&file(header, &[0, 1, 1])), "");
    assert_eq!(rule(&file(header, &[0, 1, 2])), "G14");
}

#[test]
fn files() {
    let directory = std::env::temp_dir().join(format!("dlrs-io-files-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let path = directory.join("a.safetensors");
    std::fs::write(&path, entry(GOOD)).unwrap();
    let input = Input::open(&path).unwrap();
    assert_eq!(read(&input).unwrap().entries.len(), 1);
    std::fs::write(&path, [entry(GOOD), vec![0]].concat()).unwrap();
    assert!(matches!(input.finish(), Err(Error::Format(error)) if error.rule == "G5"));
    assert!(matches!(Input::open(&directory), Err(Error::Format(error)) if error.rule == "G5"));
    assert!(matches!(Input::open(&directory.join("none")), Err(Error::Io(_))));
    // More than any machine's memory, in a file that takes no space.
    let huge = 1u64 << 42;
    let header = format!(r#"{{"a":{{"dtype":"U8","shape":[{huge}],"data_offsets":[0,{huge}]}}}}"#);
    let header = header.replace(&format!("[{huge}]"), &format!("[{},4]", huge / 4));
    std::fs::write(&path, file(&header, b"")).unwrap();
    let output = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    if output.set_len(8 + header.len() as u64 + huge).is_ok() {
        assert_eq!(rule_of(read(&Input::open(&path).unwrap())), "G9");
    }
    std::fs::remove_dir_all(directory).unwrap();
}
