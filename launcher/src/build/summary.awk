# Surefire's XML reports to the names of what failed and what was skipped, and one last line of counts.
# The exit code is 0 if nothing failed and something ran.

function attribute(name,    at, rest) {
  at = index($0, " " name "=\"")
  if (at == 0) {
    return ""
  }
  rest = substr($0, at + length(name) + 3)
  return unescaped(substr(rest, 1, index(rest, "\"") - 1))
}

function unescaped(text) {
  gsub(/&#10;/, " ", text)
  gsub(/&quot;/, "\"", text)
  gsub(/&apos;/, "'", text)
  gsub(/&lt;/, "<", text)
  gsub(/&gt;/, ">", text)
  gsub(/&amp;/, "\\&", text)
  return text
}

function finish_case() {
  if (test == "") {
    return
  }
  if (outcome == "failed") {
    failed++
    failures[failed] = test (message == "" ? "" : ": " message)
  } else if (outcome == "skipped") {
    skipped++
    skips[skipped] = test (message == "" ? "" : ": " message)
  } else {
    passed++
  }
  test = ""
}

# The output of a test, which may look like anything.
quoted {
  if (index($0, "]]>") > 0) {
    quoted = 0
  }
  next
}

/^ *<testcase / {
  finish_case()
  class = attribute("classname")
  sub(/.*\./, "", class)
  name = attribute("name")
  # A dynamic test has the name of its factory before its own.
  sub(/^[A-Za-z0-9_]+\(\) /, "", name)
  test = class " " name
  outcome = "passed"
  message = ""
  if ($0 ~ /\/>$/) {
    finish_case()
  }
}
# A test that surefire ran again and that passed then has flakyFailure here, which is neither.
/^ *<(failure|error)[ >]/ { outcome = "failed"; message = attribute("message") }
/^ *<skipped/ {
  outcome = "skipped"
  message = attribute("message")
  # An assumption that did not hold gives its reason only in the trace.
  if (message == "" && match($0, /Assumption failed: .*/)) {
    message = substr($0, RSTART + 19)
    sub(/\]\]>.*/, "", message)
  }
}
/<!\[CDATA\[/ && !/\]\]>/ { quoted = 1 }
/^ *<\/testcase>/ { finish_case() }

END {
  finish_case()
  if (format == "FAILED") {
    failed++
  } else {
    passed++
  }
  failed += complete == "FAILED"
  for (i = 1; i <= skipped; i++) {
    print "skipped " skips[i]
  }
  for (i = 1; i <= failed; i++) {
    if (i in failures) {
      print "FAILED  " substr(failures[i], 1, 300)
    }
  }
  printf "%d passed, %d failed, %d skipped (%d s)\n", passed, failed, skipped, seconds
  exit failed > 0 ? 1 : 0
}
