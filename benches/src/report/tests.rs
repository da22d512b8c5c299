use super::*;

#[test]
fn four_digits_are_kept() {
    assert_eq!(rounded(0.412_345), 0.4123);
    assert_eq!(rounded(41.238), 41.24);
    assert_eq!(rounded(123_456.7), 123_457.0);
    assert_eq!(rounded(0.0), 0.0);
    assert_eq!(rounded(-2.000_04), -2.0);
}

#[test]
fn the_summary_keeps_what_others_wrote() {
    let folder = std::env::temp_dir().join(format!("orrery-summary-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("summary.json");
    summarise(&path, &[("b.two", 2.0), ("a.one", 1.0)]).unwrap();
    summarise(&path, &[("b.two", 2.5)]).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text, "{\n  \"a.one\": 1.0,\n  \"b.two\": 2.5\n}\n");
    std::fs::write(&path, "[]").unwrap();
    assert!(summarise(&path, &[]).is_err());
    std::fs::remove_dir_all(&folder).unwrap();
}
