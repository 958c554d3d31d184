# The AWS side of phase 1 as a team writes it with plain Terraform: the same resources and settings, but
# for the site's files, which `terraform` leaves to another tool.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

variable "domain" { type = string }
variable "public_key" { type = string }
variable "image_id" { type = string }
variable "parameters" { type = number }
variable "records" { type = number }

locals {
  name    = "academia-sandbox"
  account = data.aws_caller_identity.current.account_id
  buckets = { for thing in ["documents", "dumps", "site"] : thing => "${local.name}-${thing}-${local.account}" }
}

provider "aws" {
  s3_use_path_style           = true
  skip_metadata_api_check     = true
  skip_credentials_validation = true
  default_tags {
    tags = { Project = "academia", Environment = "sandbox", ManagedBy = "terraform", Phase = "1" }
  }
}

data "aws_caller_identity" "current" {}
