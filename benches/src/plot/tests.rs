use super::*;

fn lines() -> Plot {
    let line = |name: &str, factor: f64| {
        Line::new(
            name,
            vec![(8.0, factor), (64.0, 2.0 * factor), (1024.0, 40.0)],
        )
    };
    let (x, y) = (
        Axis::new("key length <bytes>", Scale::Log2),
        Axis::new("ns/op", Scale::Log10),
    );
    Plot::lines("Cost & length", x, y, vec![line("a", 1.0), line("b", 3.0)])
}

#[test]
fn a_line_chart_is_xml_with_one_path_per_series() {
    let svg = lines().svg().expect("every value has a place");
    let document = roxmltree::Document::parse(&svg).expect("well-formed");
    let polylines = document
        .descendants()
        .filter(|node| node.has_tag_name(("http://www.w3.org/2000/svg", "polyline")));
    let strokes: Vec<_> = polylines
        .filter_map(|node| node.attribute("stroke"))
        .collect();
    assert!(
        strokes.contains(&"var(--series-1,#0072b2)")
            && strokes.contains(&"var(--series-2,#d55e00)"),
        "{strokes:?}"
    );
    assert!(svg.contains("<title>Cost &amp; length</title>"));
    assert!(svg.contains("1,024"), "the last power of two is marked");
}

#[test]
fn a_bar_chart_shows_every_label_and_value() {
    let bars = vec![Bar::new("first", 12.5), Bar::new("second", 3.0).in_group(1)];
    let svg = Plot::bars("b", Axis::new("ns/op", Scale::Linear), bars)
        .svg()
        .expect("every value has a place");
    let document = roxmltree::Document::parse(&svg).expect("well-formed");
    let text: Vec<_> = document
        .descendants()
        .filter_map(|node| node.text())
        .map(str::trim)
        .collect();
    for expected in ["first", "second", "12.50", "3", "ns/op"] {
        assert!(
            text.contains(&expected),
            "{expected} is missing in {text:?}"
        );
    }
}

#[test]
fn no_stand_in_colour_is_left() {
    let svg = lines().svg().expect("every value has a place");
    for stand_in in ["#01000", "#020000", "#030000", "#000000", "#FFFFFF"] {
        assert!(!svg.contains(stand_in), "{stand_in}");
    }
}

#[test]
fn a_value_without_a_place_names_the_chart() {
    let plot = Plot::bars(
        "hit ratio",
        Axis::new("x", Scale::Linear),
        vec![Bar::new("a", f64::NAN)],
    );
    let error = plot.svg().expect_err("NaN is nowhere").to_string();
    assert!(
        error.contains("hit ratio") && error.contains("NaN"),
        "{error}"
    );
}

#[test]
fn the_legend_names_the_series_in_their_colours() {
    let plot = lines();
    assert_eq!(
        plot.legend(),
        [
            ("a", "var(--series-1,#0072b2)"),
            ("b", "var(--series-2,#d55e00)")
        ]
    );
}

#[test]
fn a_timeline_shows_its_rows_its_spans_and_the_labels_that_fit() {
    let span = |row: usize, from: f64, to: f64, label: &str| Span {
        row,
        from,
        to,
        kind: row,
        label: label.to_owned(),
    };
    let timeline = Timeline {
        rows: ["above", "below"].map(str::to_owned).into(),
        kinds: ["leads", "follows"].map(str::to_owned).into(),
        spans: vec![
            span(0, 0.0, 9.0, "long"),
            span(1, 0.0, 0.1, "short"),
            span(1, 0.1, 10.0, ""),
        ],
        arrows: vec![Arrow {
            from: (0, 1.0),
            to: (1, 2.0),
            kind: 1,
        }],
    };
    let plot = Plot::timeline("t", Axis::new("s", Scale::Linear), timeline);
    assert_eq!(plot.legend().len(), 2);
    let svg = plot.svg().expect("every value has a place");
    let document = roxmltree::Document::parse(&svg).expect("well-formed");
    let text: Vec<_> = document
        .descendants()
        .filter_map(|node| node.text())
        .map(str::trim)
        .collect();
    for expected in ["above", "below", "long", "10"] {
        assert!(
            text.contains(&expected),
            "{expected} is missing in {text:?}"
        );
    }
    assert!(!text.contains(&"short"), "there is no room for it");
    let filled = |index: usize| {
        let rectangles = document.descendants();
        rectangles
            .filter(|node| node.has_tag_name(("http://www.w3.org/2000/svg", "rect")))
            .filter(|node| node.attribute("fill") == Some(palette::css(index)))
            .count()
    };
    assert_eq!([filled(0), filled(1)], [1, 2]);
    let height = |text: &str| {
        let mut nodes = document.descendants();
        let node = nodes.find(|node| node.text().map(str::trim) == Some(text) && node.is_element());
        let y = node.and_then(|node| node.attribute("y"));
        y.and_then(|y| y.parse::<f64>().ok()).expect("a place")
    };
    assert!(height("above") < height("below"));
}
