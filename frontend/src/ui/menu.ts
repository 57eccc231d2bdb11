/** What a menu shows. */
import type { Component } from 'vue'

export interface MenuItem {
  label: string
  icon: Component
  danger?: boolean
  /** Set off from the item before by a line. */
  apart?: boolean
  onSelect: () => void
}
