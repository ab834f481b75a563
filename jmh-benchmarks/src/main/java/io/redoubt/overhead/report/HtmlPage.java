package io.redoubt.overhead.report;

import io.redoubt.overhead.results.Results;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import org.webjars.WebJarVersionLocator;

/**
 * The page: a template with its style, its script, the charting library and the results in one
 * file.
 */
public final class HtmlPage {
  private HtmlPage() {}

  public static String of(Results results) {
    String library =
        "META-INF/resources/webjars/"
            + new WebJarVersionLocator().path("echarts", "dist/echarts.min.js");
    // JSON in a script element: only "</script" and "<!--" could end it, and "<" may be written
    // otherwise in a JSON string.
    String data = results.toJson().replace("<", "\\u003c");
    return own("page.html")
        .replace("/* page.css */", own("page.css"))
        .replace("/* echarts.js */", resource(library).replace("</script", "<\\/script"))
        .replace("/* results.json */", data)
        .replace("/* page.js */", own("page.js"));
  }

  private static String own(String name) {
    return resource("io/redoubt/overhead/report/" + name);
  }

  private static String resource(String path) {
    try (InputStream in = HtmlPage.class.getClassLoader().getResourceAsStream(path)) {
      if (in == null) {
        throw new IllegalStateException("not in the build: " + path);
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
