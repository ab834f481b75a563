package io.redoubt.overhead;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.redoubt.overhead.peers.Program;
import io.redoubt.overhead.report.HtmlPage;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The page in a real browser: headless Chromium, where it is installed. */
class HtmlPageTest {
  /** Before anything of the page: whatever goes wrong is kept. */
  private static final String WATCH =
      """
      <script>
      const wrong = [];
      addEventListener('error', e => wrong.push(String(e.message || e.target)), true);
      for (const kind of ['error', 'warn']) console[kind] = (...words) => wrong.push(kind + ': ' + words.join(' '));
      </script>
      """;

  @TempDir Path folder;

  private static Optional<Path> browser() {
    return Program.find("chromium")
        .or(() -> Program.find("chromium-browser"))
        .or(() -> Program.find("google-chrome"));
  }

  /** Loads the page, runs a script on it that sets `answer`, and returns that. */
  private String inBrowser(String html, String script, String... options) throws Exception {
    assumeTrue(browser().isPresent(), "chromium is not installed");
    String tail =
        "<script>let answer;"
            + script
            + ";document.title = 'answer<' + answer + '><' + wrong.join(';') + '>';</script></body>";
    // The library has these words in its strings: the first and the last are the page's own.
    int body = html.lastIndexOf("</body>");
    String watched = html.substring(0, body).replaceFirst("<head>", "<head>" + WATCH) + tail;
    Path page = Files.writeString(folder.resolve("page.html"), watched);
    List<String> words =
        new ArrayList<>(
            List.of(
                browser().orElseThrow().toString(),
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--user-data-dir=" + folder.resolve("profile"),
                "--dump-dom"));
    words.addAll(List.of(options));
    words.add(page.toUri().toString());
    Path dom = folder.resolve("dom");
    Process p =
        new ProcessBuilder(words)
            .redirectOutput(dom.toFile())
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    if (!p.waitFor(60, TimeUnit.SECONDS)) {
      p.destroyForcibly();
      throw new IOException("the browser did not end");
    }
    Matcher m =
        Pattern.compile("<title>answer&lt;(.*?)&gt;&lt;(.*?)&gt;</title>", Pattern.DOTALL)
            .matcher(Files.readString(dom, StandardCharsets.UTF_8));
    assertTrue(m.find(), "the page did not come to its end");
    assertEquals("", m.group(2), "errors on the console");
    return m.group(1);
  }

  @Test
  void itRendersWithoutErrors() throws Exception {
    String answer =
        inBrowser(
            HtmlPage.of(MadeUp.of(10, false)),
            "answer = [document.documentElement.dataset.ready, document.querySelectorAll('section.suite').length,"
                + " document.querySelectorAll('.chart svg').length, document.querySelectorAll('#notes li').length].join()");
    assertEquals("true,4,6,4", answer);
  }

  @Test
  void filtersOfRuntimesAndSuitesWork() throws Exception {
    String answer =
        inBrowser(
            HtmlPage.of(MadeUp.of(10, true)),
            "const heads = () => [...document.querySelectorAll('#suite-apps th')].map(t => t.textContent).join('/');"
                + "const click = v => document.querySelector('input[value=' + v + ']').click();"
                + "answer = [heads()]; click('redoubt'); answer.push(heads()); click('redoubt'); answer.push(heads());"
                + "click('apps'); answer.push(document.getElementById('suite-apps') === null, document.getElementById('suite-micro') !== null);"
                + "answer = answer.join()");
    String all = "/bare Linux/runc/Redoubt";
    assertEquals(all + ",/bare Linux/runc," + all + ",true,true", answer);
  }

  @Test
  void aRowShowsItsDistribution() throws Exception {
    String answer =
        inBrowser(
            HtmlPage.of(MadeUp.of(10, true)),
            "document.querySelector('#suite-startup tr[data-workload=\"life-cycle.8\"]').click();"
                + "answer = document.querySelector('#distribution-startup select').value");
    assertEquals("life-cycle.8", answer);
  }

  @Test
  void itFitsOnAPhone() throws Exception {
    String answer =
        inBrowser(
            HtmlPage.of(MadeUp.of(10, true)),
            "answer = document.documentElement.scrollWidth <= innerWidth ? 'fits' : document.documentElement.scrollWidth + ' of ' + innerWidth",
            "--window-size=500,900");
    assertEquals("fits", answer);
  }

  @Test
  void whatAGuestSaysIsTextAndNothingElse() throws Exception {
    String answer =
        inBrowser(
            HtmlPage.of(MadeUp.of(10, false)),
            "answer = [...document.querySelectorAll('#notes li')].some(l => l.textContent.includes('<script>alert(1)'))"
                + " && document.querySelector('#suite-micro td').textContent.includes('<b>')");
    assertEquals("true", answer);
  }

  @Test
  void itIsOneFileThatNeedsNoOther() {
    String html = HtmlPage.of(MadeUp.of(10, true));
    assertFalse(
        Pattern.compile("<(script|img|iframe)[^>]+src=|<link[^>]+href=|url\\(|@import")
            .matcher(html.replaceAll("(?s)<script>.*?</script>", ""))
            .find());
  }
}
