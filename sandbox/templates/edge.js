// What CloudFront and an S3 website do with a request before it goes to its origin, run by nginx's njs.
// A site is {id, domain, origin, root, path, methods}; its origin is a named location of nginx.

// The raw path: a CloudFront function sees it as the viewer wrote it.
function split(r) {
  const mark = r.variables.request_uri.indexOf('?');
  if (mark < 0) {
    return [r.variables.request_uri, ''];
  }
  return [r.variables.request_uri.slice(0, mark), r.variables.request_uri.slice(mark + 1)];
}

function add(fields, name, value) {
  if (fields[name] === undefined) {
    fields[name] = {value: value};
    return;
  }
  if (fields[name].multiValue === undefined) {
    fields[name].multiValue = [{value: fields[name].value}];
  }
  fields[name].multiValue.push({value: value});
}

function pairs(text, separator) {
  const fields = {};
  text.split(separator).forEach(function (part) {
    const equals = part.indexOf('=');
    if (part.trim() !== '') {
      add(fields, (equals < 0 ? part : part.slice(0, equals)).trim(), equals < 0 ? '' : part.slice(equals + 1));
    }
  });
  return fields;
}

// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/functions-event-structure.html
function eventOf(r, site) {
  const parts = split(r);
  const headers = {};
  let cookies = {};
  r.rawHeadersIn.forEach(function (header) {
    const name = header[0].toLowerCase();
    if (name === 'cookie') {
      cookies = pairs(header[1], ';');
    } else {
      add(headers, name, header[1]);
    }
  });
  return {
    version: '1.0',
    context: {
      distributionDomainName: site.domain,
      endpoint: r.variables.host,
      distributionId: site.id,
      eventType: 'viewer-request',
      requestId: r.variables.request_id,
    },
    viewer: {ip: r.remoteAddress},
    request: {
      method: r.method,
      uri: parts[0],
      querystring: pairs(parts[1], '&'),
      headers: headers,
      cookies: cookies,
    },
  };
}

function join(fields) {
  return Object.keys(fields).map(function (name) {
    const values = fields[name].multiValue || [fields[name]];
    return values.map((entry) => (entry.value === '' ? name : name + '=' + entry.value)).join('&');
  }).join('&');
}

function respond(r, response) {
  const headers = response.headers || {};
  Object.keys(headers).forEach(function (name) {
    r.headersOut[name] = headers[name].value;
  });
  const cookies = response.cookies || {};
  r.headersOut['Set-Cookie'] = Object.keys(cookies).map(function (name) {
    const attributes = cookies[name].attributes;
    return name + '=' + cookies[name].value + (attributes ? '; ' + attributes : '');
  });
  let body = response.body || '';
  if (typeof body === 'object') {
    body = body.encoding === 'base64' ? Buffer.from(body.data, 'base64') : body.data;
  }
  // Not r.return(): for a redirect it takes the body for the location.
  r.status = response.statusCode;
  r.sendHeader();
  if (body.length > 0) {
    r.send(body);
  }
  r.finish();
}

function toOrigin(r, site, uri, args) {
  const object = uri === '/' && site.root !== '' ? '/' + site.root : uri;
  r.variables.origin_uri = site.path + object;
  r.variables.origin_args = args === '' ? '' : '?' + args;
  r.internalRedirect(site.origin);
}

// A CloudFront behaviour; handler is its viewer-request function, or null.
async function distribution(r, site, handler) {
  if (site.methods.indexOf(r.method) < 0) {
    r.return(403, 'This distribution is not configured to allow the HTTP request method ' + r.method + '.\n');
    return;
  }
  if (handler === null) {
    const parts = split(r);
    toOrigin(r, site, parts[0], parts[1]);
    return;
  }
  let result;
  try {
    result = await handler(eventOf(r, site));
  } catch (error) {
    r.error('function of ' + site.id + ': ' + error + '\n' + error.stack);
    r.return(503, 'The CloudFront function associated with the CloudFront distribution failed: ' + error + '\n');
    return;
  }
  if (result.statusCode !== undefined) {
    respond(r, result);
    return;
  }
  toOrigin(r, site, result.uri, join(result.querystring || {}));
}

// An S3 website: each folder has an index document.
function website(r, site) {
  if (r.method !== 'GET' && r.method !== 'HEAD') {
    r.return(405, 'The specified method is not allowed against this resource.\n');
    return;
  }
  const path = split(r)[0];
  toOrigin(r, site, path.endsWith('/') ? path + site.root : path, '');
}

export default {distribution, website};
