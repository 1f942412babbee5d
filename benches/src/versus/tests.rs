use super::*;

fn row() -> Row {
    Row::timed("x", "something", |_| {
        Ok(Contest::over(vec![()]).ours("ours", |()| 1).build())
    })
}

fn samples(ours: f64, rivals: &[(&str, f64)]) -> Samples {
    let series = |name: &str, role, value| Series::new(name.to_owned(), role, vec![Some(value); 9]);
    let rivals = rivals
        .iter()
        .map(|(name, value)| series(name, Role::Rival, *value));
    let ours = [
        series("ours", Role::Ours, ours),
        series("nothing", Role::Floor, 0.5),
    ];
    Samples::new(ours.into_iter().chain(rivals).collect())
}

fn bar(bar: f64, against: &str, direction: Direction) -> Bar {
    let text = |text: &str| text.to_owned();
    Bar {
        area: text("a"),
        id: text("x"),
        what: text("w"),
        unit: text("ns/op"),
        bar,
        against: text(against),
        direction,
    }
}

#[test]
fn the_ratio_is_to_the_rival_the_bar_names() {
    let samples = samples(2.0, &[("slow", 4.0), ("fast", 1.0)]);
    let named = row()
        .judge(&samples, Some(&bar(0.5, "slow", Direction::Max)))
        .expect("slow took part");
    assert_eq!(
        (named.rival.as_deref(), named.ratio, named.met),
        (Some("slow"), Some(0.5), Some(true))
    );
    let best = row()
        .judge(&samples, Some(&bar(1.9, Bar::BEST_RIVAL, Direction::Max)))
        .expect("judged");
    assert_eq!(
        (best.rival.as_deref(), best.ratio, best.met),
        (Some("fast"), Some(2.0), Some(false))
    );
    let floor = row()
        .judge(&samples, Some(&bar(4.0, "nothing", Direction::Max)))
        .expect("judged");
    assert_eq!((floor.ratio, floor.met), (Some(4.0), Some(true)));
    let nobody = row().judge(&samples, Some(&bar(1.0, "nobody", Direction::Max)));
    assert!(
        nobody
            .expect_err("nobody took part")
            .to_string()
            .contains("nobody")
    );
}

#[test]
fn the_best_rival_of_a_yield_is_the_highest() {
    let row = Row {
        better: Direction::Min,
        ..row()
    };
    let judged = row
        .judge(&samples(2.0, &[("low", 1.0), ("high", 4.0)]), None)
        .expect("judged");
    assert_eq!(
        (judged.rival.as_deref(), judged.ratio, judged.met),
        (Some("high"), Some(0.5), None)
    );
}

#[test]
fn a_bar_is_judged_at_the_worse_end() {
    let ratio = Estimate {
        median: 1.0,
        low: 0.9,
        high: 1.1,
    };
    let met = |value, direction| bar(value, "r", direction).is_met(ratio);
    assert_eq!(
        [1.05, 1.1].map(|value| met(value, Direction::Max)),
        [false, true]
    );
    assert_eq!(
        [0.95, 0.9].map(|value| met(value, Direction::Min)),
        [false, true]
    );
}

/// Ours takes 1, 2, .. 9, the rival always twice as much. The interval around the fifth of nine
/// values is from the second to the eighth.
fn one_to_nine() -> Samples {
    let values = || (1_u8..=9).map(f64::from);
    let series = |name: &str, role, values: Vec<f64>| {
        Series::new(
            name.to_owned(),
            role,
            values.into_iter().map(Some).collect(),
        )
    };
    Samples::new(vec![
        series("ours", Role::Ours, values().collect()),
        series(
            "r",
            Role::Rival,
            values().map(|value| 2.0 * value).collect(),
        ),
    ])
}

#[test]
fn an_absolute_bar_is_judged_by_the_worse_end_of_our_own_value() {
    let judge = |value, direction| {
        let bar = bar(value, Bar::ABSOLUTE, direction);
        row().judge(&one_to_nine(), Some(&bar)).expect("judged")
    };
    for (value, direction, met) in [
        (8.0, Direction::Max, true),
        (7.9, Direction::Max, false),
        (2.0, Direction::Min, true),
        (2.1, Direction::Min, false),
    ] {
        assert_eq!(judge(value, direction).met, Some(met), "{value}");
    }
    let json = serde_json::to_value(judge(8.0, Direction::Max)).expect("plain data");
    let expected = serde_json::json!({
        "value": 5.0, "rival": "r", "rival_value": 10.0, "ratio": null, "bar": 8.0, "direction": "max", "against": "absolute",
        "met": true, "spread": [2.0, 8.0],
    });
    for (field, value) in expected.as_object().expect("an object") {
        assert_eq!(&json[field], value, "{field}");
    }
    // The other contenders' ratios are shown all the same.
    assert_eq!(json["contenders"][1]["ratio"], 0.5);
}

#[test]
fn an_absolute_bar_is_shown_with_its_unit() {
    let judged = row()
        .judge(
            &one_to_nine(),
            Some(&bar(1e-9, Bar::ABSOLUTE, Direction::Max)),
        )
        .expect("judged");
    let versus = Versus {
        area: "a".to_owned(),
        machine: "m".to_owned(),
        rows: vec![judged],
        disturbed: Vec::new(),
        left_out: Vec::new(),
        skipped: Vec::new(),
    };
    let cells: Vec<_> = versus.summary().rows()[0]
        .iter()
        .map(Cell::to_string)
        .collect();
    assert_eq!(
        cells[6..],
        ["-", "2 to 8 ns/op", "<= 1.000e-9 ns/op", "MISSED"]
    );
}

#[test]
fn a_value_in_another_unit_is_judged_in_that_unit() {
    let rate = Row::timed("x", "something", |_| {
        Ok(Contest::over(vec![1_u64; 512]).ours("ours", |x| *x).build())
    });
    let rate = rate.shown_in("M op/s", Direction::Min, |nanoseconds| 1e3 / nanoseconds);
    let converted = one_to_nine().convert(rate.convert);
    let promise = bar(125.0, Bar::ABSOLUTE, Direction::Min);
    let judged = rate.judge(&converted, Some(&promise)).expect("judged");
    assert_eq!((judged.value, judged.spread), (200.0, Some([125.0, 500.0])));
    assert_eq!((judged.unit.as_str(), judged.met), ("M op/s", Some(true)));
}

#[test]
fn json_has_the_promised_shape() {
    let judged = row()
        .judge(
            &samples(2.0, &[("r", 4.0)]),
            Some(&bar(0.6, "r", Direction::Max)),
        )
        .expect("judged");
    let versus = Versus {
        area: "a".to_owned(),
        machine: "m".to_owned(),
        rows: vec![judged],
        disturbed: Vec::new(),
        left_out: Vec::new(),
        skipped: Vec::new(),
    };
    let json = serde_json::to_value(&versus).expect("plain data");
    assert_eq!(
        (&json["area"], &json["machine"]),
        (&"a".into(), &"m".into())
    );
    let row = &json["rows"][0];
    let expected = serde_json::json!({
        "id": "x", "what": "something", "unit": "ns/op", "value": 2.0, "rival": "r", "rival_value": 4.0,
        "floor": "nothing", "floor_value": 0.5, "ratio": 0.5, "bar": 0.6, "direction": "max", "against": "r", "met": true, "spread": [0.5, 0.5],
    });
    for (field, value) in expected.as_object().expect("an object") {
        assert_eq!(&row[field], value, "{field}");
    }
    assert_eq!(row["contenders"].as_array().map(Vec::len), Some(3));
    assert_eq!((&row["rounds"], &row["discarded"]), (&9.into(), &0.into()));
}

#[test]
fn a_row_without_rival_or_bar_says_null() {
    let judged = row().judge(&samples(2.0, &[]), None).expect("judged");
    let json = serde_json::to_value(&judged).expect("plain data");
    for field in [
        "rival",
        "rival_value",
        "ratio",
        "bar",
        "direction",
        "met",
        "spread",
    ] {
        assert!(json[field].is_null(), "{field}");
    }
}

#[test]
fn tables_show_missed_bars_and_every_contender() {
    let judged = row()
        .judge(
            &samples(2.0, &[("r", 1.0)]),
            Some(&bar(1.5, "r", Direction::Max)),
        )
        .expect("judged");
    let versus = Versus {
        area: "a".to_owned(),
        machine: "m".to_owned(),
        rows: vec![judged],
        disturbed: Vec::new(),
        left_out: Vec::new(),
        skipped: Vec::new(),
    };
    assert_eq!(versus.missed().count(), 1);
    assert!(versus.summary().to_string().contains("MISSED"));
    assert_eq!(versus.contenders().rows().len(), 3);
}

#[test]
fn rows_are_selected_by_id_with_or_without_the_area() {
    let area = crate::area::AREAS[0];
    for only in ["xxh3-16", "core/xxh3-16"] {
        let rows = select(area, Some(only)).expect("a row of core");
        assert_eq!(
            rows.iter().map(|row| row.id).collect::<Vec<_>>(),
            ["xxh3-16"]
        );
    }
    let error = select(area, Some("nothing"))
        .expect_err("no such row")
        .to_string();
    assert!(
        error.contains("nothing") && error.contains("system-clock"),
        "{error}"
    );
    assert_eq!(select(area, None).expect("all").len(), area.rows().len());
}
