data "aws_iam_policy_document" "assume" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["ec2.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "host" {
  name               = "${local.name}-host"
  assume_role_policy = data.aws_iam_policy_document.assume.json
}

data "aws_iam_policy_document" "session" {
  statement {
    actions = [
      "ssm:UpdateInstanceInformation", "ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel",
      "ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel",
    ]
    resources = ["*"]
  }
}

data "aws_iam_policy_document" "env" {
  statement {
    actions   = ["ssm:GetParametersByPath"]
    resources = ["arn:aws:ssm:us-east-1:${local.account}:parameter/academia/sandbox/env/*"]
  }
}

data "aws_iam_policy_document" "documents" {
  statement {
    actions   = ["s3:GetObject", "s3:PutObject"]
    resources = [for prefix in ["invoices", "payments", "receipts"] : "${aws_s3_bucket.this["documents"].arn}/${prefix}/*"]
  }
}

data "aws_iam_policy_document" "dumps" {
  statement {
    actions   = ["s3:PutObject", "s3:AbortMultipartUpload", "s3:GetObject"]
    resources = ["${aws_s3_bucket.this["dumps"].arn}/*"]
  }
}

resource "aws_iam_role_policy" "host" {
  for_each = {
    session   = data.aws_iam_policy_document.session.json
    env       = data.aws_iam_policy_document.env.json
    documents = data.aws_iam_policy_document.documents.json
    dumps     = data.aws_iam_policy_document.dumps.json
  }
  role   = aws_iam_role.host.id
  name   = each.key
  policy = each.value
}

resource "aws_iam_instance_profile" "host" {
  name = "${local.name}-host"
  role = aws_iam_role.host.name
}

resource "aws_key_pair" "host" {
  key_name   = "${local.name}-host"
  public_key = var.public_key
}

data "aws_vpc" "default" {
  default = true
}

resource "aws_security_group" "host" {
  name        = "${local.name}-host"
  description = "Web traffic to ${local.name}-host"
  vpc_id      = data.aws_vpc.default.id
}

resource "aws_vpc_security_group_ingress_rule" "web" {
  for_each = {
    for pair in setproduct([80, 443], ["0.0.0.0/0", "::/0"]) : "${pair[0]} ${pair[1]}" => { port = pair[0], cidr = pair[1] }
  }
  security_group_id = aws_security_group.host.id
  ip_protocol       = "tcp"
  from_port         = each.value.port
  to_port           = each.value.port
  cidr_ipv4         = each.value.cidr == "::/0" ? null : each.value.cidr
  cidr_ipv6         = each.value.cidr == "::/0" ? each.value.cidr : null
}

resource "aws_vpc_security_group_egress_rule" "all" {
  for_each          = toset(["0.0.0.0/0", "::/0"])
  security_group_id = aws_security_group.host.id
  ip_protocol       = "-1"
  cidr_ipv4         = each.value == "::/0" ? null : each.value
  cidr_ipv6         = each.value == "::/0" ? each.value : null
}

resource "aws_instance" "host" {
  ami                     = var.image_id
  instance_type           = "t4g.micro"
  key_name                = aws_key_pair.host.key_name
  vpc_security_group_ids  = [aws_security_group.host.id]
  iam_instance_profile    = aws_iam_instance_profile.host.name
  disable_api_termination = true
  user_data               = "#!/bin/sh\nsnap start --enable amazon-ssm-agent\n"
  credit_specification {
    cpu_credits = "standard"
  }
  metadata_options {
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }
  root_block_device {
    volume_size = 12
    volume_type = "gp3"
    encrypted   = true
  }
  tags = { Name = "${local.name}-host" }
  lifecycle {
    ignore_changes = [ami]
  }
}

resource "aws_eip" "host" {
  domain   = "vpc"
  instance = aws_instance.host.id
  tags     = { Name = "${local.name}-host" }
}
